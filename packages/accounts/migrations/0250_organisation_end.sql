-- How organisations end.

alter table account.organisation
  -- The day (UTC) on which it ends, with all below it; null: nobody asked for that. From then on nobody joins it, its accounts are terminated, and the row goes
  -- with the last of them.
  add column terminates_on date;
create index organisation_terminates_on on account.organisation (terminates_on) where terminates_on is not null;
