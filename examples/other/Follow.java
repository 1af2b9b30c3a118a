import com.google.gson.*;
import com.sun.jna.*;
import com.sun.jna.ptr.*;

/** DIRECTUS_TOKEN=... java -cp jna.jar:gson.jar:. Follow http://localhost:8055 posts */
public class Follow {
    /** What is used here of the header. Structs may end early: the rest has its defaults. */
    public interface Drt extends Library {
        int DELIVER_POLL = 1, STATE_IDLE = 0, STATE_FAILED = 5, FLAG_ENDED = 2;

        @Structure.FieldOrder("size")
        abstract class Sized extends Structure { public long size = size(); }
        @Structure.FieldOrder({"url", "auth", "token", "email", "pass", "renew", "delivery", "ms"})
        class ClientOptions extends Sized {
            public String url, token, email, pass, renew;
            public int auth, delivery = DELIVER_POLL, ms;
        }
        @Structure.FieldOrder("collection")
        class SubscriptionOptions extends Sized { public String collection; }
        @Structure.FieldOrder({"status", "argument", "message"})
        class ErrorInfo extends Sized { public int status; public String argument, message; }

        int drt_last_error_info(ErrorInfo info);
        int drt_client_new(ClientOptions options, PointerByReference client);
        int drt_subscribe(Pointer client, Pointer scope, SubscriptionOptions options,
                Pointer fn, Pointer userData, Pointer release, Pointer subscription);
        int drt_client_next(Pointer client, int timeoutMs, long maxRows,
                PointerByReference json, LongByReference length, Pointer rows);
        int drt_client_disconnect(Pointer client);
        int drt_client_close(Pointer client, int timeoutMs);
    }
    static final Drt DRT = Native.load("libdirectus_realtime.so.0", Drt.class);
    static final String[] KINDS = {"init", "create", "update", "delete", "error"};

    static void check(int status) {
        if (status >= 0) return;
        var info = new Drt.ErrorInfo();
        DRT.drt_last_error_info(info);
        System.err.println(info.message);
        Runtime.getRuntime().halt(1); // exit would wait for the hook below
    }

    /** Prints a row, and returns whether another one may come. */
    static boolean show(JsonArray row) {
        boolean isEvent = row.get(0).getAsInt() == 0;
        int kind = row.get(2).getAsInt(), state = row.get(1).getAsInt();
        System.out.println(isEvent ? KINDS[kind] + " " + row.get(7) : row.get(3).getAsString());
        if (isEvent ? (row.get(3).getAsInt() & Drt.FLAG_ENDED) != 0 : state == Drt.STATE_FAILED) {
            Runtime.getRuntime().halt(1);
        }
        return isEvent || state != Drt.STATE_IDLE;
    }

    public static void main(String[] args) {
        var options = new Drt.ClientOptions();
        options.url = args[0];
        options.token = System.getenv("DIRECTUS_TOKEN");
        PointerByReference made = new PointerByReference(), json = new PointerByReference();
        check(DRT.drt_client_new(options, made));
        Pointer client = made.getValue();
        var wanted = new Drt.SubscriptionOptions();
        wanted.collection = args[1];
        check(DRT.drt_subscribe(client, null, wanted, null, null, null, null));
        var closed = new java.util.concurrent.CompletableFuture<Void>();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            DRT.drt_client_disconnect(client); // IDLE ends the loop
            closed.join();
        }));
        var length = new LongByReference();
        for (boolean more = true; more; ) {
            check(DRT.drt_client_next(client, -1, 0, json, length, null));
            var text = new String(json.getValue().getByteArray(0, (int) length.getValue()));
            for (var row : JsonParser.parseString(text).getAsJsonArray()) {
                more &= show(row.getAsJsonArray());
            }
        }
        DRT.drt_client_close(client, 5000);
        closed.complete(null);
    }
}
