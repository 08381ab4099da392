import { access, type Directory, type Grantee } from "$/api";

import { Resource } from "./resource.svelte";

/** Whom things are shared with, by name. */
class KnownPeople extends Resource<Directory> {
  constructor() {
    super((signal) => access.directory(signal));
  }

  open(): void {
    if (this.data === null) void this.reload();
  }

  /** The name of a person or group; null for someone who is gone, or while names are on their way. */
  nameOf(grantee: Grantee): string | null {
    if (grantee.group) return this.data?.groups.find((group) => group.id === grantee.group)?.name ?? null;
    const person = this.data?.users.find((user) => user.id === grantee.user);
    return person ? person.display_name || person.username : null;
  }
}

export const knownPeople = new KnownPeople();
