import { assistantForm, assistants, routing } from "./assistants";
import { models } from "./models";
import { analytics, escalations, memories, prompts, usage } from "./studio";

const more = { analytics, assistantForm, assistants, escalations, memories, models, prompts, routing, usage };

/** Words of rooms that few people open first: they come with the room. */
export type More = typeof more;
export default more;
