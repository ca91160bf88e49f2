import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.vertx.VertxParallelEoSStreamProcessor;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Sends the value of each record of a topic, as it is, in a POST of its own: records of a key in their order, one event
 * loop for all of HTTP. Runs until ended.
 *
 * <p>Arguments: the broker's address, the topic, the consumer group, the receiver's port on 127.0.0.1, the path, the bearer
 * token, and how many requests may be under way.
 */
public final class Peer {
  private Peer() {}

  public static void main(String[] arguments) throws InterruptedException {
    String broker = arguments[0];
    String topic = arguments[1];
    String group = arguments[2];
    int port = Integer.parseInt(arguments[3]);
    String path = arguments[4];
    String authorization = "Bearer " + arguments[5];
    int underWay = Integer.parseInt(arguments[6]);

    Map<String, Object> reading =
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, broker,
            ConsumerConfig.GROUP_ID_CONFIG, group,
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false, // the processor commits what was answered
            ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 2_000);
    // The value stays bytes, so that nothing is decoded and encoded again. A key has to be equal to itself.
    var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new ByteArrayDeserializer());

    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    WebClient web = WebClient.create(vertx, new WebClientOptions().setKeepAlive(true).setMaxPoolSize(underWay));
    var processing =
        ParallelConsumerOptions.<String, byte[]>builder()
            .consumer(consumer)
            .ordering(ProcessingOrder.KEY)
            .maxConcurrency(underWay)
            .build();
    var processor = new VertxParallelEoSStreamProcessor<String, byte[]>(vertx, web, processing);
    processor.subscribe(Set.of(topic));
    processor.vertxHttpWebClient(
        (client, polled) ->
            client
                .post(port, "127.0.0.1", path)
                .putHeader("Content-Type", "application/json")
                .putHeader("Authorization", authorization)
                .sendBuffer(Buffer.buffer(polled.value())),
        sent -> {}); // nginx counts

    new CountDownLatch(1).await();
  }
}
