import { counter } from "../plural";

const count = counter("en");

/** What the rail and the palette say of rooms whose other words come with them. */
export const places = {
  assistants: "Assistants",
  prompts: "Prompts",
  escalations: "Escalations",
  waiting: (n: number) => count(n, "1 message waits for a person", "# messages wait for a person"),
  newAssistant: "New assistant",
  tryRouting: "Try the routing",
  installExamples: "Install the example assistants",
  newPrompt: "New prompt",
};
