// @ts-check
/* The page's own world: what the preload exposes becomes a property of window. Preloads run in the main frame only. */
if (window === window.top) {
  makeBridge('page', 'preload').onExpose((key, value) => {
    Object.defineProperty(window, key, { value: Object.freeze(value), enumerable: true })
  })
}
