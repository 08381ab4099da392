/** `count(2, "one file", "# files")` in a language's own plural; `#` is the number as that language writes it. */
export function counter(language: string): (amount: number, one: string, other: string) => string {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (amount, one, other) => {
    const form = rules.select(amount) === "one" ? one : other;
    return form.replace("#", numbers.format(amount));
  };
}
