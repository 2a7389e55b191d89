/** Waits until a condition holds; fails with its name if it does not within `patience` ms. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
  patience = 20_000,
): Promise<void> {
  const end = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${patience} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
