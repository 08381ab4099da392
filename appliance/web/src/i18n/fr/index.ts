import type { Catalogue } from "../en";
import { account, admin, audit, egress, evaluations, groups, health, help, jobs, keys, people, sessions } from "./admin";
import { ask, inspector, viewer } from "./ask";
import { chat } from "./chat";
import { common, errors, markdown, palette, shell, units } from "./common";
import { collections, documents } from "./documents";
import { login } from "./login";
import { places } from "./places";

const catalogue: Catalogue = {
  account,
  admin,
  ask,
  audit,
  chat,
  collections,
  common,
  documents,
  egress,
  errors,
  evaluations,
  groups,
  health,
  help,
  inspector,
  jobs,
  keys,
  login,
  markdown,
  palette,
  people,
  places,
  sessions,
  shell,
  units,
  viewer,
};

export default catalogue;
