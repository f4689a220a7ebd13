-- Run once, by the image, when the database is made. The migrator owns the database and may make
-- roles; it is no superuser. Each service's role is made by the migration (shared/provision.py).
\set password `cat /run/secrets/postgres_migrator`
CREATE ROLE stride_migrator LOGIN CREATEROLE PASSWORD :'password';
ALTER DATABASE :"DBNAME" OWNER TO stride_migrator;
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
