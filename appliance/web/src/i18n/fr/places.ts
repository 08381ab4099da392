import type { Catalogue } from "../en";
import { counter } from "../plural";

const count = counter("fr");

export const places: Catalogue["places"] = {
  assistants: "Assistants",
  prompts: "Prompts",
  escalations: "À traiter",
  waiting: (n) => count(n, "# message attend une personne", "# messages attendent une personne"),
  newAssistant: "Nouvel assistant",
  tryRouting: "Essayer l’aiguillage",
  installExamples: "Installer les exemples d’assistants",
  newPrompt: "Nouveau prompt",
};
