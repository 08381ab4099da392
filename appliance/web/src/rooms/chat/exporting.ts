import { conversations, type ExportFormat } from "$/api/chat";

/** The browser keeps the file; nothing of it passes through the page. */
export function exportAs(conversation: string, format: ExportFormat): void {
  const anchor = document.createElement("a");
  anchor.href = conversations.exportAddress(conversation, format);
  anchor.download = "";
  anchor.click();
}
