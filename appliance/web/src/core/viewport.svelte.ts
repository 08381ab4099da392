/** The two widths where the frame changes: below `phone` lists and details are pages, below `desk` details lie over the work. */
class Viewport {
  #phone = window.matchMedia("(width < 720px)");
  #desk = window.matchMedia("(width >= 1120px)");
  phone = $state(false);
  desk = $state(true);

  constructor() {
    const look = () => {
      this.phone = this.#phone.matches;
      this.desk = this.#desk.matches;
    };
    this.#phone.addEventListener("change", look);
    this.#desk.addEventListener("change", look);
    look();
  }
}

export const viewport = new Viewport();
