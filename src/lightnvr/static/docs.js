// Shows /api/openapi.json to people. It needs nothing from anywhere else, so it also works without the Internet.

import { byId, element } from "./list.js";
import { call } from "./server.js";

const METHODS = ["get", "head", "post", "put", "patch", "delete"];

// Follows a reference such as "#/components/schemas/Error".
function resolve(schema, documentation) {
  if (!schema?.$ref) return schema ?? {};
  return schema.$ref.slice(2).split("/").reduce((place, key) => place[key], documentation);
}

function typeOf(schema, documentation) {
  const known = resolve(schema, documentation);
  if (known.enum) return known.enum.map((value) => JSON.stringify(value)).join(", ");
  if ("const" in known) return JSON.stringify(known.const);
  const several = known.anyOf ?? known.oneOf ?? known.allOf;
  if (several) return [...new Set(several.map((one) => typeOf(one, documentation)))].join(" or ");
  if (known.type === "array") return `list of ${typeOf(known.items, documentation)}`;
  return known.title && known.type === "object" ? known.title : (known.type ?? "anything");
}

function rangeOf(schema) {
  const parts = [];
  if (schema.minimum !== undefined || schema.maximum !== undefined) parts.push(`${schema.minimum ?? "…"} to ${schema.maximum ?? "…"}`);
  if (schema.maxLength !== undefined) parts.push(`at most ${schema.maxLength} characters`);
  if (schema.minItems !== undefined && schema.minItems === schema.maxItems) parts.push(`${schema.minItems} items`);
  if (schema.default !== undefined && !Array.isArray(schema.default)) parts.push(`default ${JSON.stringify(schema.default)}`);
  return parts.join("; ");
}

// An example of a value: the one that is given, else one made of the examples of its members.
function exampleOf(schema, documentation, depth = 0) {
  const known = resolve(schema, documentation);
  if (known.example !== undefined) return known.example;
  if (known.examples?.length) return known.examples[0];
  if (known.default !== undefined) return Array.isArray(known.default) ? [] : known.default;
  if (known.enum) return known.enum[0];
  if ("const" in known) return known.const;
  const first = (known.anyOf ?? known.oneOf ?? known.allOf)?.[0];
  if (first) return exampleOf(first, documentation, depth);
  if (depth > 4) return null;
  if (known.properties) {
    return Object.fromEntries(
      Object.entries(known.properties).map(([name, member]) => [name, exampleOf(member, documentation, depth + 1)]));
  }
  if (known.type === "array") {
    const item = exampleOf(known.items, documentation, depth + 1);
    return known.minItems > 1 ? [] : [item];
  }
  return { string: "", integer: 0, number: 0, boolean: true }[known.type] ?? null;
}

function table(titles, rows) {
  const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col", textContent: title })));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", { textContent: cell }))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function membersTable(schema, documentation) {
  const known = resolve(schema, documentation);
  const required = new Set(known.required ?? []);
  return table(["Member", "Type", "Allowed", "Meaning"], Object.entries(known.properties ?? {}).map(([name, member]) => [
    required.has(name) ? `${name} (required)` : name, typeOf(member, documentation), rangeOf(member), member.description ?? "",
  ]));
}

function heading(text) {
  return element("h3", { textContent: text });
}

function json(value) {
  return element("pre", { textContent: JSON.stringify(value, null, 2) });
}

function requestParts(operation, documentation) {
  const parts = [];
  if (operation.parameters?.length) {
    parts.push(heading("Parameters"), table(["Name", "In", "Type", "Allowed", "Meaning"], operation.parameters.map((one) => [
      one.required ? `${one.name} (required)` : one.name, one.in, typeOf(one.schema, documentation), rangeOf(one.schema), one.description ?? "",
    ])));
  }
  const [kind, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (body) {
    parts.push(heading(`Body (${kind})`), json(exampleOf(body.schema, documentation)), membersTable(body.schema, documentation));
  }
  return parts;
}

function answerParts(operation, documentation) {
  const rows = Object.entries(operation.responses).map(([status, answer]) => [status, answer.description ?? ""]);
  const parts = [heading("Answers"), table(["Status", "Meaning"], rows)];
  for (const [status, answer] of Object.entries(operation.responses)) {
    const schema = answer.content?.["application/json"]?.schema;
    if (status < "300" && schema) parts.push(heading(`Example of ${status}`), json(exampleOf(schema, documentation)));
  }
  return parts;
}

// The texts are Markdown of the simplest kind: paragraphs, and code between backticks.
function prose(text) {
  return element("div", {}, ...text.split("\n\n").map((paragraph) => element("p", {},
    ...paragraph.replaceAll("\n", " ").split("`").map((part, place) => (place % 2 ? element("code", { textContent: part }) : part)))));
}

function operationNode(method, path, operation, documentation) {
  return element("details", { id: operation.operationId },
    element("summary", {},
      element("span", { className: "method", textContent: method.toUpperCase() }),
      element("span", { className: "path", textContent: path }),
      operation.summary ?? ""),
    element("div", {},
      prose(operation.description ?? ""),
      ...requestParts(operation, documentation), ...answerParts(operation, documentation)));
}

function show(documentation) {
  const sections = new Map();
  for (const [path, operations] of Object.entries(documentation.paths)) {
    for (const method of METHODS.filter((one) => one in operations)) {
      const operation = operations[method];
      const tag = operation.tags?.[0] ?? "Other";
      if (!sections.has(tag)) sections.set(tag, element("section", {}, element("h2", { textContent: tag })));
      sections.get(tag).append(operationNode(method, path, operation, documentation));
    }
  }
  byId("docs").replaceChildren(prose(documentation.info.description), ...sections.values());
}

try {
  show(await call("GET", "/api/openapi.json"));
} catch (error) {
  byId("docs-state").textContent = error.message;
}
