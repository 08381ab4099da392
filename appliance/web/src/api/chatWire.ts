/* What the description of the API does not name: events, and parts of it that the room of conversations uses. */
import type { BranchIn, RegenerateIn, UUID } from "./schema";

export type {
  Attachment,
  Conversation,
  ConversationIn,
  ConversationMessage,
  ConversationPatch,
  DecidedBy,
  Feedback,
  FeedbackIn,
  FolderOut,
  MessageMode,
  MessageStatus,
  Prompt,
  RateLimit,
  Rating,
  Reply,
  ShareIn,
  SharedWith,
} from "./schema";
export type { Assistant as AssistantCard } from "./schema";
export type { BranchIn as MessageIn } from "./schema";
export type { Model as ModelCard } from "./schema";

/** Who answers, and with which model. */
export type MessageChoice = Pick<BranchIn & RegenerateIn, "assistant" | "model">;

/** The first event of a stream: the message is kept, and this will be its answer. */
export interface Accepted {
  conversation_id: string;
  user_message_id: UUID | null;
  message_id: UUID;
  run_id: UUID;
  remaining: number;
  title: string;
}
