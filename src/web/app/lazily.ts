/** Views whose files come when somebody looks at them first, so that the first view comes soon. */
import { useEffect, useState } from 'preact/hooks';
import { html, type View } from './html.ts';

/** @param load imports the view; asked again at the next look where it failed */
export function lazily<Props extends object>(
  load: () => Promise<(props: Props) => View | null>,
): (props: Props) => View {
  let loaded: ((props: Props) => View | null) | undefined;
  return function Lazily(props: Props): View {
    const [status, setStatus] = useState<'loading' | 'loaded' | 'failed'>(
      loaded === undefined ? 'loading' : 'loaded',
    );
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
        (view) => {
          loaded = view;
          setStatus('loaded');
          requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());
        },
        () => setStatus('failed'),
      );
    }, []);
    if (status === 'loaded' && loaded !== undefined) return html`<${loaded} ...${props} />`;
    return html`<p class="soft" role="status">${
      status === 'failed' ? 'This view could not be loaded: reload the page.' : 'Loading…'
    }</p>`;
  };
}
