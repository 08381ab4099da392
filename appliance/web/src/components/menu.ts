import type { IconName } from "$/icons/shapes";

export interface MenuItem {
  label: string;
  icon?: IconName;
  /** The address of a picture, instead of an icon. */
  picture?: string;
  /** A second line: what the choice means. */
  detail?: string;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  checked?: boolean;
  /** A line above it. */
  divided?: boolean;
  /** Said above it, for the choices that follow. */
  heading?: string;
  act: () => void;
}
