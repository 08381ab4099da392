/** Browser storage that may be full, forbidden or absent: then things are simply not remembered. */
export function remember(name: string, value: unknown, area: Storage | undefined = local()): void {
  try {
    if (value === null || value === undefined) area?.removeItem(`appliance.${name}`);
    else area?.setItem(`appliance.${name}`, typeof value === "string" ? value : JSON.stringify(value));
  } catch {
    // a full or forbidden storage is no reason to stop
  }
}

export function recall(name: string, area: Storage | undefined = local()): string | null {
  try {
    return area?.getItem(`appliance.${name}`) ?? null;
  } catch {
    return null;
  }
}

export function recallJson<T>(name: string, area: Storage | undefined = local()): T | null {
  const text = recall(name, area);
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

/** Forget everything under a prefix, at sign-out. */
export function forget(prefix: string, area: Storage | undefined = local()): void {
  try {
    for (const key of Object.keys(area ?? {})) if (key.startsWith(`appliance.${prefix}`)) area?.removeItem(key);
  } catch {
    // as above
  }
}

export function local(): Storage | undefined {
  return typeof localStorage === "undefined" ? undefined : localStorage;
}

export function perTab(): Storage | undefined {
  return typeof sessionStorage === "undefined" ? undefined : sessionStorage;
}
