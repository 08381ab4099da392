/** What the appliance takes at most, where it has told. */
class KnownLimits {
  upload = $state<number | null>(null);
  question = $state<number | null>(null);
}

export const knownLimits = new KnownLimits();
