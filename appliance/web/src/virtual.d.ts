declare module "virtual:help-titles" {
  /** Each page's title, by its file's name without the ending. */
  const titles: Record<string, string>;
  export default titles;
}
