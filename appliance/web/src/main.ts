import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./theme.css";
import "./base.css";
import "./components/control.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { browserLanguage, words } from "./i18n/language.svelte";
import { followLoginLinks, takeLoginToken } from "./rooms/login/token";

takeLoginToken();
followLoginLinks();
await words.use(browserLanguage());

const target = document.getElementById("app");
if (target) mount(App, { target });
