CREATE TABLE "analytics" (
	"record_id" text PRIMARY KEY NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"events" integer NOT NULL,
	"attendees" integer NOT NULL,
	"computed_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "attendees" (
	"record_id" text PRIMARY KEY NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"event_id" text NOT NULL,
	"attendee_id" text NOT NULL,
	"status" text DEFAULT 'invited' NOT NULL,
	CONSTRAINT "attendees_event_attendee_key" UNIQUE("event_id","attendee_id")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"record_id" text PRIMARY KEY NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"title" text NOT NULL,
	"summary" text,
	"starts_at" timestamp (3) with time zone NOT NULL,
	"capacity" integer NOT NULL,
	"attendee_count" integer DEFAULT 0 NOT NULL,
	"visibility" text DEFAULT 'private' NOT NULL,
	CONSTRAINT "events_capacity_range" CHECK ("events"."capacity" between 1 and 100000),
	CONSTRAINT "events_attendee_count_range" CHECK ("events"."attendee_count" between 0 and "events"."capacity")
);
--> statement-breakpoint
CREATE TABLE "users" (
	"record_id" text PRIMARY KEY NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"name" text,
	"email" text,
	"image_url" text,
	"role" text DEFAULT 'member' NOT NULL
);
--> statement-breakpoint
ALTER TABLE "attendees" ADD CONSTRAINT "attendees_event_id_events_record_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."events"("record_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "analytics_created_at_idx" ON "analytics" USING btree ("created_at","record_id");--> statement-breakpoint
CREATE INDEX "attendees_created_at_idx" ON "attendees" USING btree ("created_at","record_id");--> statement-breakpoint
CREATE INDEX "attendees_attendee_created_at_idx" ON "attendees" USING btree ("attendee_id","created_at","record_id");--> statement-breakpoint
CREATE INDEX "attendees_event_created_at_idx" ON "attendees" USING btree ("event_id","created_at","record_id");--> statement-breakpoint
CREATE INDEX "events_created_at_idx" ON "events" USING btree ("created_at","record_id");--> statement-breakpoint
CREATE INDEX "events_created_by_created_at_idx" ON "events" USING btree ("created_by","created_at","record_id");--> statement-breakpoint
CREATE INDEX "events_visibility_created_at_idx" ON "events" USING btree ("visibility","created_at","record_id");--> statement-breakpoint
CREATE INDEX "users_created_at_idx" ON "users" USING btree ("created_at","record_id");