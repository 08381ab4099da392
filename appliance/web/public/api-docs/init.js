// The viewer of the API's description. Everything it needs is served by the appliance; it asks nobody else.
(async () => {
  const own = (request) => new URL(request.url, location.href).origin === location.origin;
  let token = null;
  try {
    const answer = await fetch("/api/me", { credentials: "same-origin" });
    if (answer.ok) token = (await answer.json()).csrf_token;
  } catch {
    // without a session the description can still be read
  }
  window.ui = SwaggerUIBundle({
    url: "/api/docs/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    validatorUrl: null,
    displayRequestDuration: true,
    tryItOutEnabled: false,
    requestInterceptor(request) {
      if (own(request) && token && !["GET", "HEAD"].includes((request.method ?? "GET").toUpperCase())) request.headers["X-CSRF-Token"] = token;
      return request;
    },
  });
})();
