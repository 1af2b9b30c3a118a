"""Filters by every operator that the server has for the fields of `flat_3`."""

FILTERS = [
    {"n": {"_eq": 1}},
    {"n": {"_neq": 1}},
    {"n": {"_lt": 0}},
    {"n": {"_lte": 0}},
    {"n": {"_gt": 3}},
    {"n": {"_gte": 3}},
    {"n": {"_in": [1, 2, -3, -4]}},
    {"n": {"_nin": [1, 2, -3, -4]}},
    {"n": {"_null": True}},
    {"n": {"_nnull": True}},
    {"n": {"_between": [-3, 3]}},
    {"n": {"_nbetween": [-3, 3]}},
    {"title": {"_contains": "at"}},
    {"title": {"_ncontains": "at"}},
    {"title": {"_icontains": "WRI"}},
    {"title": {"_starts_with": "b"}},
    {"title": {"_istarts_with": "B"}},
    {"title": {"_nstarts_with": "b"}},
    {"title": {"_nistarts_with": "B"}},
    {"title": {"_ends_with": "h"}},
    {"title": {"_iends_with": "H"}},
    {"title": {"_nends_with": "h"}},
    {"title": {"_niends_with": "H"}},
    {"title": {"_empty": True}},
    {"title": {"_nempty": True}},
    {"_and": [{"n": {"_gt": -5}}, {"n": {"_lt": 5}}]},
    {"_or": [{"n": {"_gt": 5}}, {"title": {"_eq": "batch"}}]},
]

QUERIES = [{"filter": each, "sort": ["n", "id"]} for each in FILTERS]
