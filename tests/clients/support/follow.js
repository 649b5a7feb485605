// Subscriptions as async iterables that resume where they were broken off.

/**
 * `begin(variables, sink)` subscribes once and returns how to stop; the sink takes the subscription's data, its end, or
 * what broke it. After a break it is called again, with the cursor of the last event as `after`.
 */
export function follow(variables, begin, isBreak = () => true) {
  let at = variables.after;
  let stop = () => {};
  let over = false;
  return new ReadableStream({
    start(controller) {
      const again = () => {
        // What still comes of an attempt that broke, such as its end, counts no more.
        let broken = false;
        const alive = () => !over && !broken;
        stop = begin(
          { ...variables, after: at },
          {
            next(data) {
              if (!alive()) return;
              const [event] = Object.values(data);
              at = event.cursor;
              controller.enqueue(event);
            },
            error(error) {
              if (!alive()) return;
              if (isBreak(error)) {
                broken = true;
                setTimeout(() => over || again(), 20);
              } else {
                over = true;
                controller.error(error);
              }
            },
            complete() {
              if (!alive()) return;
              over = true;
              controller.close();
            },
          },
        );
      };
      again();
    },
    cancel() {
      over = true;
      stop();
    },
  });
}
