import { assistants, type Assistant } from "$/api/studio";
import { toasts } from "$/core/toasts.svelte";
import { t } from "$/i18n/language.svelte";

/** Add the two examples with their documents; what is there already stays. */
export async function installExamples(): Promise<void> {
  const words = t().assistants.examples;
  try {
    const done = await assistants.installExamples();
    if (done.assistants.length + done.documents.length === 0) {
      toasts.say(words.nothing);
      return;
    }
    const detail = done.documents.length > 0 ? words.documents(done.documents.length) : undefined;
    toasts.say(words.done(done.assistants.length), { tone: "ok", detail });
  } catch (error) {
    toasts.fail(error);
  }
}

/** Switch one on or off; what it has become, or null where that failed. */
export async function setEnabled(assistant: Assistant, isEnabled: boolean): Promise<Assistant | null> {
  try {
    const changed = await assistants.change(assistant.name, { is_enabled: isEnabled });
    toasts.say(t().common.saved, { tone: "ok" });
    return changed;
  } catch (error) {
    toasts.fail(error);
    return null;
  }
}

export function exportToml(name: string): void {
  const link = document.createElement("a");
  link.href = assistants.exportAddress(name);
  link.download = `${name}.toml`;
  link.click();
}
