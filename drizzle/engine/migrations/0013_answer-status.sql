-- safe-for-older-servers
ALTER TABLE "deputy"."credit_entries" ADD COLUMN "status" integer;