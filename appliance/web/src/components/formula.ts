import katex from "katex";

/** A formula as MathML, which browsers draw and read aloud by themselves: no fonts and no styles of its own. */
export function draw(formula: string, isBlock: boolean): Node {
  const drawn = document.createElement("span");
  try {
    katex.render(formula, drawn, { displayMode: isBlock, output: "mathml", throwOnError: true, trust: false, maxExpand: 200 });
  } catch {
    drawn.textContent = formula;
  }
  return drawn;
}
