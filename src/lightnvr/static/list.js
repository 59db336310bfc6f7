// Small pieces for building the page. Text from the server only ever becomes a text node.

export const byId = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Writing the same text again would make screen readers repeat it and lose a selection.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, visible) {
  node.hidden = !visible;
}

export function say(node, sentence) {
  setText(node, sentence);
  show(node, sentence !== "");
}

// Makes the children of `list` match `items`, keeping the nodes (and so the keyboard focus) of what was there before.
export function keepList(list, items, { key, create, update }) {
  const present = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let place = list.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let node = present.get(name);
    if (node) {
      present.delete(name);
    } else {
      node = create(item);
      node.dataset.key = name;
    }
    update(node, item);
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
  }
  for (const node of present.values()) node.remove();
}
