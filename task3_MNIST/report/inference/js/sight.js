// Work for what is on the screen: what is out of sight follows when it comes into sight.
const Sight = (function () {
  "use strict";

  /** Return a function that calls `work()`: at once if the node is in sight, else once it is. */
  function whenInSight(node, work) {
    let inSight = false;
    let waiting = false;
    new IntersectionObserver((entries) => {
      inSight = entries.at(-1).isIntersecting;
      if (inSight && waiting) run();
    }).observe(node);

    function run() {
      waiting = false;
      work();
    }

    return () => {
      waiting = true;
      if (inSight) run();
    };
  }

  return { whenInSight };
})();
