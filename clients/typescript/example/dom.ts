// The little that this page needs to make elements.

type Child = Node | string | null | undefined | false;
type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void)>>;

/** An element: `on…` listens, `true` and texts become attributes, `false` none. */
export function element<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice("on".length), value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  fill(made, ...children);
  return made;
}

export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
}

/** A form that cannot be sent twice at once; what goes wrong stands in it. The button that sent it is among the values. */
export function form(attributes: Attributes, submit: (values: Record<string, string>, form: HTMLFormElement) => Promise<void>, ...children: Child[]): HTMLFormElement {
  const problem = element("p", { class: "problem", role: "alert" });
  const made = element("form", attributes, ...children, problem);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const buttons = [...made.querySelectorAll("button")];
    const values = Object.fromEntries([...new FormData(made, event.submitter)].map(([name, value]) => [name, String(value)]));
    fill(problem);
    for (const button of buttons) button.disabled = true;
    submit(values, made)
      .catch((error: unknown) => fill(problem, error instanceof Error ? error.message : String(error)))
      .finally(() => {
        for (const button of buttons) button.disabled = false;
      });
  });
  return made;
}

export function field(label: string, input: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement): HTMLLabelElement {
  return element("label", {}, label, input);
}
