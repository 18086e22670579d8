// Swagger UI over our own description; its usual start is an inline script, which our policy refuses.

const place = document.getElementById("api");

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // it would ask another host
});
