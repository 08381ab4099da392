import { connection } from "$/core/connection.svelte";

/** Wait a moment, or until it is not wanted any more. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return until(signal, (resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    return () => clearTimeout(timer);
  });
}

/** Where the appliance is away, wait until it is back. */
export async function untilBack(signal: AbortSignal): Promise<void> {
  if (connection.lost) await until(signal, (resolve) => connection.whenBack(resolve));
}

async function until(signal: AbortSignal, begin: (resolve: () => void) => () => void): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      signal.removeEventListener("abort", end);
      stop();
      resolve();
    };
    const stop = begin(end);
    signal.addEventListener("abort", end);
  });
}
