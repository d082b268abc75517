-- What was told today of an organisation's accounts, as coarse as it was told. Owner: services/api, role sealpost_api.

-- One row for each organisation of which somebody asked. Replaced at the first question of a day; gone with the organisation.
create table api.organisation_statistics (
  organisation_id uuid primary key,
  -- UTC. What is told stays the same for the day, whatever becomes of accounts meanwhile.
  day date not null,
  -- Where the steps of each figure lie, 0 to 9: random, made once and never told, so that nobody knows by which account a figure changes.
  offsets smallint[] not null,
  -- Multiples of ten; null: below ten, or near it.
  active integer,
  suspended integer,
  used integer,
  with_key integer
);
