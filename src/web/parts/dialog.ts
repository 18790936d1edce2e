/** A modal dialog: focus goes to its heading, Escape closes, and asks once where something was typed. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Children, html, Icon, type View } from '../app/html.ts';

interface DialogProps {
  readonly title: Children;
  readonly changed?: boolean;
  readonly narrow?: boolean;
  readonly onClose: () => void;
  /** Ctrl+Enter. */
  readonly onConfirm?: () => void;
  readonly foot: Children;
  readonly children?: Children;
}

export function Dialog({
  title,
  changed = false,
  narrow = false,
  onClose,
  onConfirm,
  foot,
  children,
}: DialogProps): View {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement;
    dialog?.showModal();
    heading.current?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const close = () => {
    if (changed && !asking) setAsking(true);
    else onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onConfirm?.();
    } else if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
      event.preventDefault();
    }
    event.stopPropagation();
  };
  return html`<dialog
    class="dialog"
    data-narrow=${narrow ? '' : undefined}
    ref=${element}
    aria-labelledby="dialog-title"
    onKeyDown=${onKeyDown}
    onCancel=${(event: Event) => {
      event.preventDefault();
      close();
    }}
  >
    <form onSubmit=${(event: Event) => event.preventDefault()}>
      <div class="row">
        <h2 id="dialog-title" tabindex="-1" ref=${heading}>${title}</h2>
        <button type="button" class="button" data-kind="quiet" onClick=${close}>
          <${Icon} name="cross" /><span class="sr">Close without deciding</span>
        </button>
      </div>
      <div class=${narrow ? 'dialog-body' : 'dialog-body dialog-two'} tabindex="0" role="group" aria-labelledby="dialog-title">${children}</div>
      <div class="row">
        ${
          asking
            ? html`<p role="alert"><strong>Close without keeping what you chose?</strong></p>
                <div class="buttons">
                  <button type="button" class="button" onClick=${() => setAsking(false)}>Go on</button>
                  <button type="button" class="button" data-kind="danger" onClick=${onClose}>Close</button>
                </div>`
            : foot
        }
      </div>
    </form>
  </dialog>`;
}
