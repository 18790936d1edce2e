/** Starts the page. */
export const started: boolean = true;
