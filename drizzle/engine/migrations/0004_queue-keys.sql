DROP INDEX "deputy"."queue_series_idx";--> statement-breakpoint
ALTER TABLE "deputy"."queue" ADD COLUMN "wanted_key" text;--> statement-breakpoint
CREATE INDEX "queue_series_idx" ON "deputy"."queue" USING btree ("series","lane","created_at","id") WHERE "deputy"."queue"."state" = 'queued' and "deputy"."queue"."series" is not null;