// One stream of events a browser, however many tabs are open: the tab that holds the lock reads it and tells the
// others. (Six connections a host is all that a browser opens over HTTP/1.1: a stream a tab would freeze the seventh.)
// Each change becomes an event on the body: `hx-trigger="live:alerts from:body"` fetches a part of the page anew.
(() => {
  "use strict";
  const AGAIN = 3000;
  const LOOK_ANYWAY = 60000;
  const channel = new BroadcastChannel("stride-live");

  function show(state) {
    document.body.dataset.live = state;
  }

  function here(message) {
    if (message.state) show(message.state);
    for (const name of message.names || []) {
      document.body.dispatchEvent(new CustomEvent("live:" + name));
    }
    if (message.over) location.assign("/sign-in");
  }

  function tell(message) {
    here(message);
    channel.postMessage(message);
  }

  function listen() {
    const source = new EventSource("/live");
    source.onopen = () => tell({ state: "on" });
    source.addEventListener("changed", (event) => tell({ names: event.data.split(" ") }));
    source.addEventListener("over", () => {
      source.close();
      tell({ over: true });
    });
    source.onerror = () => {
      tell({ state: "off" });
      // The browser tries again by itself, unless it was refused outright.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
    };
  }

  channel.onmessage = (event) => {
    if (event.data.ask) {
      if (document.body.dataset.reads === "yes") channel.postMessage({ state: document.body.dataset.live });
    } else {
      here(event.data);
    }
  };

  // A tab that opened while something changed has not heard of it.
  setInterval(() => here({ names: ["all"] }), LOOK_ANYWAY);

  function read() {
    document.body.dataset.reads = "yes";
    listen();
    return new Promise(() => {});
  }

  if (navigator.locks) {
    navigator.locks.request("stride-live", read);
    channel.postMessage({ ask: true });
  } else {
    // Only pages over plain HTTP from another machine: there, each tab reads for itself.
    read();
  }
})();
