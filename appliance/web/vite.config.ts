import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const locate = createRequire(import.meta.url).resolve;

/** The viewer of the API's description, beside the interface: it is shown with no network at all. */
function apiViewer(): Plugin {
  return {
    name: "api-viewer",
    apply: "build",
    writeBundle(options) {
      const source = dirname(locate("swagger-ui-dist/package.json"));
      const target = join(options.dir ?? join(here, "dist"), "api-docs");
      mkdirSync(target, { recursive: true });
      for (const name of ["swagger-ui.css", "swagger-ui-bundle.js"]) copyFileSync(join(source, name), join(target, name));
    },
  };
}

/** Text is drawn in its own face at once: the two files every page needs are asked for with the page. */
function fontPreload(): Plugin {
  return {
    name: "font-preload",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        return Object.keys(context.bundle ?? {})
          .filter((name) => /inter-latin-wght-normal.*\.woff2$/.test(name))
          .map((name) => ({
            tag: "link",
            attrs: { rel: "preload", href: `/${name}`, as: "font", type: "font/woff2", crossorigin: "" },
            injectTo: "head" as const,
          }));
      },
    },
  };
}

/** Names of the pages of the documentation, so that the contents can be shown before any of them is fetched. */
function helpTitles(): Plugin {
  const id = "virtual:help-titles";
  const docs = join(here, "..", "docs");
  return {
    name: "help-titles",
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load(wanted) {
      if (wanted !== `\0${id}`) return null;
      const titles: Record<string, string> = {};
      for (const file of readdirSync(docs, { recursive: true, encoding: "utf8" })) {
        if (!file.endsWith(".md")) continue;
        const title = /^#\s+(.+)$/m.exec(readFileSync(join(docs, file), "utf8"))?.[1];
        if (title) titles[file.replaceAll("\\", "/").replace(/\.md$/, "")] = title.replace(/[*`]/g, "");
      }
      return `export default ${JSON.stringify(titles)}`;
    },
  };
}

export default defineConfig({
  root: here,
  plugins: [svelte(), helpTitles(), apiViewer(), fontPreload()],
  resolve: { alias: { $: join(here, "src") } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0, // the content policy allows no data: fonts or scripts
    modulePreload: { polyfill: false }, // it would be an inline script
    reportCompressedSize: false,
    chunkSizeWarningLimit: 400,
  },
  server: {
    proxy: { "^/(api|health|status)": process.env.APPLIANCE_URL ?? "http://127.0.0.1:8000" },
    fs: { allow: [join(here, "..")] },
  },
});
