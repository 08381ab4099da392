/** What a form asks for: done once at a time, with what went wrong. */
export class Attempt {
  busy = $state(false);
  failure = $state.raw<unknown>(null);

  async run(work: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = null;
    try {
      await work();
    } catch (error) {
      this.failure = error;
    } finally {
      this.busy = false;
    }
  }
}
