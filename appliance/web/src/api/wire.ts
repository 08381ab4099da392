import type * as schema from "./schema";

export type {
  AgentFigures,
  Analytics,
  Assistant,
  AssistantPatch,
  Escalation,
  Excerpt,
  Installed,
  Memory,
  MemoryPatch,
  PersonUsage as Usage,
  Prompt,
  PromptIn,
  PromptPatch,
  TriedRoute,
} from "./schema";

export type AssistantLanguage = schema.Assistant["language"];
export type EscalationStatus = schema.Escalation["status"];
export type Retrieval = Required<schema.Retrieval>;
/** A whole assistant, nothing left to what the appliance takes by itself. */
export type WholeAssistant = Required<Omit<schema.AssistantIn, "retrieval">> & { retrieval: Retrieval };
