-- The views may be thrown away; the registry (who is who, and the keys) may not. So they are two databases.
create database registry;
