-- What lookups answer lies in the row itself while it fits: found by one index and read from one page. What is only merged (`kept`, `listing`) goes out of line first.
-- Of certificates that are there already this holds from their next change on.
alter table keys.certificate alter column served set storage main;
alter table keys.published_address alter column served set storage main;
