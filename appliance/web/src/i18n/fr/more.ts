import type { More } from "../en/more";
import { assistantForm, assistants, routing } from "./assistants";
import { models } from "./models";
import { analytics, escalations, memories, prompts, usage } from "./studio";

const more: More = { analytics, assistantForm, assistants, escalations, memories, models, prompts, routing, usage };

export default more;
