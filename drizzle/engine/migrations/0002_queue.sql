CREATE TABLE "deputy"."queue" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"lane" text NOT NULL,
	"state" text DEFAULT 'queued' NOT NULL,
	"data" text NOT NULL,
	"payer" text,
	"run_as" text,
	"source" text,
	"caller" text,
	"action" text NOT NULL,
	"invocation" text NOT NULL,
	"key" text,
	"series" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"max_attempts" integer NOT NULL,
	"due_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"token" text,
	"last_error" text,
	"is_unknown" boolean DEFAULT false NOT NULL,
	"progress" text,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "queue_kind" CHECK ("deputy"."queue"."kind" in ('message', 'job', 'grant')),
	CONSTRAINT "queue_state" CHECK ("deputy"."queue"."state" in ('queued', 'dead', 'done'))
);
--> statement-breakpoint
CREATE TABLE "deputy"."schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"definition" text NOT NULL,
	"next_at" timestamp (3) with time zone,
	"is_paused" boolean DEFAULT false NOT NULL,
	"changed_by" text,
	"changed_at" timestamp (3) with time zone,
	"last_at" timestamp (3) with time zone,
	"last_job" text,
	"last_outcome" text,
	"last_error" text,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "deputy"."audit_log" ADD COLUMN "source" text DEFAULT 'client' NOT NULL;--> statement-breakpoint
CREATE INDEX "queue_lane_due_at_idx" ON "deputy"."queue" USING btree ("lane","due_at") WHERE "deputy"."queue"."state" = 'queued';--> statement-breakpoint
CREATE UNIQUE INDEX "queue_lane_key" ON "deputy"."queue" USING btree ("lane","key") WHERE "deputy"."queue"."key" is not null;--> statement-breakpoint
CREATE INDEX "queue_series_idx" ON "deputy"."queue" USING btree ("series","id") WHERE "deputy"."queue"."state" = 'queued' and "deputy"."queue"."series" is not null;--> statement-breakpoint
CREATE INDEX "queue_kind_created_at_idx" ON "deputy"."queue" USING btree ("kind","created_at","id");--> statement-breakpoint
CREATE INDEX "queue_ended_at_idx" ON "deputy"."queue" USING btree ("ended_at") WHERE "deputy"."queue"."state" = 'done';--> statement-breakpoint
INSERT INTO "deputy"."queue" ("id", "kind", "lane", "state", "data", "payer", "caller", "action", "invocation", "created_at", "attempts", "max_attempts", "due_at", "token", "last_error", "is_unknown")
SELECT "id", 'message', "endpoint", "state", "data", "payer", "caller", "action", "invocation", "created_at", "attempts", 13, "due_at", "token", "last_error", "is_unknown" FROM "deputy"."outbox";
