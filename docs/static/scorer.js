/* What a search finds in lessons and exercises comes first, and the reference last. */
var Scorer = {
  score: ([page, , , , score]) =>
    score + (/^(notebooks|workshop\/solutions)\//.test(page) ? 100 : /^reference\//.test(page) ? -100 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
