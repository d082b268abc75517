-- How accounts end, and how administrators find them among many.

alter table account.account
  -- Terminated on that day (UTC): the end of the window in which its owner moves away. Null: nobody asked for that. Erased with the row.
  add column terminates_on date;
create index account_terminates_on on account.account (terminates_on) where terminates_on is not null;

-- One for each filter of the list, in the order of the list where that is no range.
create index account_state on account.account (state, domain, localpart) where state <> 'active';
create index account_reason on account.account (suspension_reason, domain, localpart) where suspension_reason is not null;
create index account_created_on on account.account (created_on);
create index account_last_used_on on account.account (last_used_on);

-- Pieces of a name of two and three characters, by which parts of names are found: what the extension pg_trgm does, which not every operator can install.
create function account.pieces(name text) returns text[] language sql immutable parallel safe as $$
  select array(
    select distinct substr(name, start, length) from generate_series(2, 3) as length, generate_series(1, char_length(name) - length + 1) as start
  )
$$;
create index account_pieces on account.account using gin (account.pieces(localpart));
