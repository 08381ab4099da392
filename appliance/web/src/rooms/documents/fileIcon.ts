import type { IconName } from "$/icons/shapes";

const SHEETS = new Set(["xlsx", "xls", "ods", "csv", "tsv"]);
const SLIDES = new Set(["pptx", "ppt", "odp"]);
const PICTURES = new Set(["png", "jpg", "jpeg", "gif", "tif", "tiff", "bmp", "webp"]);
const MAILS = new Set(["eml", "msg", "mht", "mhtml"]);

/** The sign of a kind of file, by its name. */
export function fileIcon(filename: string): IconName {
  const ending = filename.split(".").pop()?.toLowerCase() ?? "";
  if (SHEETS.has(ending)) return "file-spreadsheet";
  if (SLIDES.has(ending)) return "presentation";
  if (PICTURES.has(ending)) return "image";
  if (MAILS.has(ending)) return "mail";
  return "file-text";
}
