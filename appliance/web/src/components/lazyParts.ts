import DOMPurify from "dompurify";

const LONGEST = 40_000;

type Paint = (code: string, language: string) => string | null;
type Draw = (formula: string, isBlock: boolean) => Node;

let paint: Paint | null = null;
let draw: Draw | null = null;
let painting: Promise<Paint> | null = null;
let drawing: Promise<Draw> | null = null;

/** Colour code, at once where the painter is here; else as soon as it has been fetched. */
export function highlight(code: HTMLElement, language: string): void {
  if ((code.textContent?.length ?? 0) > LONGEST) return;
  if (paint) {
    apply(paint, code, language);
    return;
  }
  painting ??= import("./highlight").then((module) => (paint = module.paint));
  painting.then((made) => apply(made, code, language)).catch(() => undefined);
}

/** Draw a formula; what cannot be read as one stays as it was written. */
export function drawFormula(formula: HTMLElement, isBlock: boolean): void {
  if (draw) {
    put(draw, formula, isBlock);
    return;
  }
  drawing ??= import("./formula").then((module) => (draw = module.draw));
  drawing.then((made) => put(made, formula, isBlock)).catch(() => undefined);
}

function apply(made: Paint, code: HTMLElement, language: string): void {
  const painted = made(code.textContent ?? "", language);
  if (painted === null) return;
  code.replaceChildren(DOMPurify.sanitize(painted, { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_DOM_FRAGMENT: true }));
}

function put(made: Draw, formula: HTMLElement, isBlock: boolean): void {
  formula.replaceChildren(made(formula.textContent ?? "", isBlock));
}
