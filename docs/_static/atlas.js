/* The search of the error atlas. It does what mtls_lab.clients.atlas.look_up does, with the same expressions, which come
   with the data; a test asks both the same. No library; nothing is fetched; it works from a disk. */
(function () {
  "use strict";

  var atlas = window.MTLS_LAB_ATLAS;
  var NOISE = atlas.noise.map(function (row) { return [new RegExp(row[0], row[1]), row[2]]; });
  var HINTS = atlas.hints.map(function (row) { return [new RegExp(row[0], "m"), row[1]]; });
  var OPENING = new RegExp(atlas.opening);
  var ENTRIES = atlas.entries.map(function (row) {
    var speaker = atlas.speakers[row[0]];
    return {
      program: speaker[0], called: speaker[1], saidBy: speaker[2], source: speaker[3], text: row[1], faults: row[2],
      weight: row[1].split(atlas.hole).join("").trim().length, order: row[2].filter(isEven).join()
    };
  });

  function isEven(value, place) { return place % 2 === 0; }

  /* What is compared */

  function canonical(message) {
    var text = message.slice(0, atlas.longest).toLowerCase();
    NOISE.forEach(function (row) { text = text.replace(row[0], function () { return row[1]; }); });
    return text.replace(/^[ .:]+|[ .:]+$/g, "");
  }

  function escaped(words) { return words.replace(/[.*+?^${}()|[\]\\\/-]/g, "\\$&"); }

  function find(entry, text) {
    var parts = entry.text.split(atlas.hole).map(function (part) { return part.trim(); });
    var longest = parts.reduce(function (most, part) { return part.length > most.length ? part : most; });
    if (text.indexOf(longest) < 0) { return null; }
    if (!entry.pattern) {
      var middle = parts.map(escaped).join(".{0," + atlas.widestHole + "}?");
      entry.pattern = new RegExp(parts[parts.length - 1] ? "(?<!\\w)" + middle + "(?!\\w)" : middle);
    }
    var found = entry.pattern.exec(text);
    return found ? [found.index, found.index + found[0].length] : null;
  }

  /* Who says it */

  function lookUp(message) {
    var text = canonical(message), bare = text.replace(OPENING, "");
    if (bare.length < atlas.shortestKey) { return []; }
    var found = [], heard = new Set();
    ENTRIES.forEach(function (entry) {
      var span = find(entry, text);
      if (span) { found.push({ entry: entry, span: span }); heard.add(entry.program + "\n" + entry.saidBy); }
    });
    var part = found.length ? text : bare;
    ENTRIES.forEach(function (entry) {
      if (entry.text.indexOf(part) >= 0 && !heard.has(entry.program + "\n" + entry.saidBy)) {
        found.push({ entry: entry, span: [0, text.length] });
      }
    });
    return meanings(hinted(closest(found, text, part), message));
  }

  function closest(found, text, part) {
    var best = new Map();
    found.slice().sort(function (one, other) {
      return Math.abs(text.length - one.entry.weight) - Math.abs(text.length - other.entry.weight);
    }).forEach(function (one) {
      var goesOn = one.entry.text !== part && one.entry.text.indexOf(part) === 0 ? one.entry.text : "";
      var speaker = [one.entry.program, one.entry.source, one.entry.saidBy, goesOn].join("\n");
      if (!best.has(speaker)) { best.set(speaker, one); }
    });
    var kept = Array.from(best.values());
    return kept.filter(function (one) {
      return !kept.some(function (other) { return swallows(other.span, one.span); });
    });
  }

  function swallows(outer, inner) {
    return outer[0] <= inner[0] && inner[1] <= outer[1] && (outer[0] !== inner[0] || outer[1] !== inner[1]);
  }

  function hinted(found, message) {
    HINTS.forEach(function (row) {
      if (!row[0].test(message)) { return; }
      var told = found.filter(function (one) {
        return row[1].some(function (name) { return one.entry.program.indexOf(name) === 0; });
      });
      if (told.length) { found = told; }
    });
    return found;
  }

  function meanings(found) {
    var groups = new Map();
    found.forEach(function (one) {
      var entry = one.entry, name = [entry.saidBy, entry.source, entry.text, entry.order].join("\n");
      if (!groups.has(name)) { groups.set(name, []); }
      groups.get(name).push(entry);
    });
    return Array.from(groups.values()).map(meaning);
  }

  function meaning(heard) {
    var counted = new Map(), cases = 0;
    heard.forEach(function (entry) {
      for (var place = 0; place < entry.faults.length; place += 2) {
        counted.set(entry.faults[place], (counted.get(entry.faults[place]) || 0) + entry.faults[place + 1]);
        cases += entry.faults[place + 1];
      }
    });
    var ranked = Array.from(counted).sort(function (one, other) { return other[1] - one[1] || one[0] - other[0]; });
    return {
      programs: heard.map(function (entry) { return entry.called; }),
      names: heard.map(function (entry) { return entry.program; }),
      saidBy: heard[0].saidBy,
      source: heard[0].source,
      words: heard[0].text.split(atlas.hole).join("…"),
      cases: cases,
      causes: ranked.map(function (row) { return { cause: atlas.causes[row[0]], share: row[1] / cases }; })
    };
  }

  /* How it is shown */

  function make(name, words, children) {
    var element = document.createElement(name);
    if (words) { element.textContent = words; }
    (children || []).forEach(function (child) { element.append(child); });
    return element;
  }

  function link(words, target) {
    var anchor = make("a", words);
    anchor.href = target;
    return anchor;
  }

  function listed(one) {
    return "a " + one.saidBy + "; " + one.source;
  }

  function card(one) {
    var shown = one.causes.slice(0, atlas.shown), rest = one.causes.slice(atlas.shown);
    var list = make("ol", "", shown.map(function (row) { return item(row, one.names); }));
    var parts = [
      make("h2", one.programs.join(", ")),
      make("p", "", [make("span", listed(one) + ". Says "), make("code", one.words), make("span", " for " +
        counted(one.causes.length, "cause") + ".")]),
      list
    ];
    if (rest.length) {
      var others = make("p", "And " + rest.length + " more: ");
      rest.forEach(function (row, place) {
        others.append(place ? ", " : "", named(row.cause), " at the " + row.cause.side);
      });
      parts.push(make("details", "", [make("summary", "and " + counted(rest.length, "rarer cause")), others]));
    }
    var section = make("section", "", parts);
    section.className = "atlas-meaning";
    return section;
  }

  function named(cause) {
    return cause.isExhibit ? link(cause.slug, "gallery.html#" + cause.slug) : make("span", cause.slug);
  }

  function item(row, names) {
    var cause = row.cause, numbers = [];
    if (cause.verdicts.length) { numbers.push("OpenSSL's verdict " + cause.verdicts.join(", ")); }
    if (cause.alerts.length) { numbers.push("alert " + cause.alerts.join(", ")); }
    var parts = [
      make("strong", percent(row.share) + " "), named(cause),
      make("span", ", at the " + cause.side + ": " + cause.title + ". The " + cause.refusedBy + " refuses" +
        (numbers.length ? " (" + numbers.join("; ") + ")" : "") + ".")
    ];
    var lines = make("dl");
    if (cause.decides) { lines.append(make("dt", "what decides"), make("dd", cause.decides)); }
    var cures = ranked(cause.fixes, names).slice(0, 3);
    if (cures.length) { lines.append(make("dt", "what mends it")); }
    cures.forEach(function (fix) { lines.append(make("dd", "", [fix[0] + ": ", make("code", fix[1])])); });
    var lesson = cause.side === "server" ? "02-client-verifies" : "04-server-verifies";
    lines.append(make("dt", "read on"), make("dd", "", [
      link("notebook " + lesson.slice(0, 2), "notebooks/" + lesson + ".html"), ", ",
      link("08, why was I refused", "notebooks/08-why-refused.html")
    ]));
    if (lines.children.length) { parts.push(lines); }
    return make("li", "", parts);
  }

  /* The cures in the words of the program that spoke come first. */
  function ranked(fixes, names) {
    function isTheirs(fix) {
      return names.some(function (name) { return name.toLowerCase().indexOf(fix[0].toLowerCase()) === 0; }) ? 0 : 1;
    }
    return fixes.slice().sort(function (one, other) { return isTheirs(one) - isTheirs(other); });
  }

  function percent(share) { return Math.round(share * 100) + " %"; }

  function counted(number, noun) { return number + " " + noun + (number === 1 ? "" : "s"); }

  function start() {
    var box = document.getElementById("atlas-message"), count = document.getElementById("atlas-count");
    var results = document.getElementById("atlas-results"), form = box.form, timer = 0;

    function show() {
      window.clearTimeout(timer);
      var message = box.value, found = message.trim() ? lookUp(message) : [];
      results.replaceChildren.apply(results, found.map(card));
      if (!message.trim()) { count.textContent = ""; return; }
      count.textContent = found.length === 0 ?
        "No program in the atlas is known to say this. Give the part of the message that does not vary." :
        counted(found.length, "answer") + (found.length > 1 ? "; the closest match comes first." : ".");
    }

    form.addEventListener("submit", function (event) { event.preventDefault(); show(); });
    form.addEventListener("reset", function () { window.setTimeout(function () { show(); box.focus(); }); });
    box.addEventListener("input", function () { window.clearTimeout(timer); timer = window.setTimeout(show, 250); });
    document.getElementById("atlas-without-scripts").hidden = true;
    document.getElementById("atlas-search").hidden = false;
    var asked = new URLSearchParams(window.location.search).get("q");
    if (asked) { box.value = asked; show(); }
  }

  window.mtlsLabLookUp = lookUp;
  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }
})();
