/** How much has come while nobody looked at this tab: its title tells. */
class Unseen {
  count = $state(0);

  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.count = 0;
    });
  }

  add(): void {
    if (document.hidden) this.count += 1;
  }
}

export const unseen = new Unseen();
