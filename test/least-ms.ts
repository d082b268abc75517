/** What a task costs by itself: the least of three measurements, since now and then others have the machine. */
export function leastMs(task: () => void): number {
  const times = [1, 2, 3].map(() => {
    const started = performance.now()
    task()
    return performance.now() - started
  })
  return Math.min(...times)
}
