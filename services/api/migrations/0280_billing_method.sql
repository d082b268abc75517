-- How the fees of a subscription are paid, in a word of the billing system's, such as card or transfer; no number of a card or an account. Part of what guidelines let
-- authorities ask for where an organisation bought an account. Goes with the subscription.
alter table api.subscription add billing_method text check (billing_method ~ '^[a-z][a-z0-9-]{0,39}$');
