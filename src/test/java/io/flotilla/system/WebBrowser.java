package io.flotilla.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.ElementClickInterceptedException;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;

/** A real headless Chromium with a fresh profile, at the web client; and what a person does there. */
final class WebBrowser implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Dimension DESKTOP = new Dimension(1280, 860);
  private static final Path SCREENSHOTS = Path.of("target", "screenshots");

  private final ChromeDriverService service;
  private final ChromeDriver driver;
  private final String url;

  private WebBrowser(ChromeDriverService service, ChromeDriver driver, String url) {
    this.service = service;
    this.driver = driver;
    this.url = url;
  }

  /**
   * @param directory for its profile and what it downloads, made if need be
   * @param url of the web client, without a slash at its end
   */
  static WebBrowser open(Path directory, String url) throws IOException {
    Path downloads = Files.createDirectories(directory.resolve("downloads"));
    ChromeOptions options = new ChromeOptions();
    options.setBinary("/usr/bin/chromium");
    options.addArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        "--user-data-dir=" + directory.resolve("profile"));
    options.setExperimentalOption("prefs", Map.of("download.default_directory", downloads.toAbsolutePath().toString(),
        "intl.accept_languages", "en-GB"));
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    options.setCapability("goog:loggingPrefs", logs);
    ChromeDriverService service = new ChromeDriverService.Builder()
        .usingDriverExecutable(Path.of("/usr/bin/chromedriver").toFile()).usingAnyFreePort()
        .withLogFile(directory.resolve("chromedriver.log").toFile()).build();
    try {
      ChromeDriver driver = new ChromeDriver(service, options);
      driver.manage().window().setSize(DESKTOP);
      return new WebBrowser(service, driver, url);
    } catch (RuntimeException e) {
      service.stop();
      throw e;
    }
  }

  /** @param hash where in the page, such as {@code #/a/} */
  WebBrowser go(String hash) {
    driver.get(url + "/" + hash);
    return this;
  }

  WebBrowser goToPath(String path) {
    driver.get(url + path);
    return this;
  }

  void back() {
    driver.navigate().back();
  }

  void reload() {
    driver.navigate().refresh();
  }

  WebBrowser signIn(String user, String password) {
    WebElement name = find("#sign-in-user");
    name.clear();
    name.sendKeys(user);
    WebElement field = find("#sign-in-password");
    field.clear();
    field.sendKeys(password, Keys.ENTER);
    return this;
  }

  /** Goes to the page and waits for the list of somebody who is signed in. */
  WebBrowser enter(String hash, String user, String password) {
    go(hash).signIn(user, password);
    find(".grid");
    until("nothing is loading any more", () -> count("file-list.is-loading") == 0);
    return this;
  }

  private static By by(String selector) {
    return selector.startsWith("//") ? By.xpath(selector) : By.cssSelector(selector);
  }

  /** The first element of a CSS selector or an XPath that can be seen, when there is one. */
  WebElement find(String selector) {
    return waiting(selector + " is there").until(page -> page.findElements(by(selector)).stream()
        .filter(WebElement::isDisplayed).findFirst().orElse(null));
  }

  private WebDriverWait waiting(String what) {
    WebDriverWait wait = new WebDriverWait(driver, PATIENCE, Duration.ofMillis(50));
    wait.ignoring(StaleElementReferenceException.class);
    wait.withMessage(what);
    return wait;
  }

  /** Found anew for each try: what is drawn anew is another element. */
  void click(String selector) {
    waiting(selector + " can be clicked").ignoring(ElementClickInterceptedException.class).until(page -> {
      Optional<WebElement> element = page.findElements(by(selector)).stream().filter(WebElement::isDisplayed).findFirst();
      element.ifPresent(WebElement::click);
      return element.isPresent();
    });
  }

  /** Presses a button, known by its words or its label. */
  void press(String words) {
    click("//button[normalize-space(.)='" + words + "' or @aria-label='" + words + "']");
  }

  /** The link of an entry. */
  void openEntry(String name) {
    click(entry(name) + "//a");
  }

  void selectEntry(String name) {
    click(entry(name) + "//input");
  }

  private static String entry(String name) {
    return "//*[@role='row'][.//bdi[.='" + name + "']]";
  }

  void type(String selector, CharSequence... text) {
    find(selector).sendKeys(text);
  }

  /** Keys for whatever has the focus. */
  void keys(CharSequence... keys) {
    Actions actions = new Actions(driver);
    for (CharSequence key : keys) {
      actions.sendKeys(key);
    }
    actions.perform();
  }

  void keysWith(Keys modifier, CharSequence key) {
    new Actions(driver).keyDown(modifier).sendKeys(key).keyUp(modifier).perform();
  }

  void choose(String selector, List<Path> files) {
    driver.findElement(By.cssSelector(selector)).sendKeys(String.join("\n", files.stream().map(file -> file.toAbsolutePath().toString()).toList()));
  }

  /** The names that are in the document, in their order. */
  @SuppressWarnings("unchecked")
  List<String> names() {
    return (List<String>) script("return [...document.querySelectorAll('.row')].sort((a, b) => a.dataset.index - b.dataset.index)"
        + ".map(row => row.querySelector('bdi').textContent)");
  }

  String text(String selector) {
    return find(selector).getText();
  }

  long count(String selector) {
    return driver.findElements(by(selector)).size();
  }

  Object script(String script, Object... arguments) {
    return driver.executeScript(script, arguments);
  }

  void awaitEntry(String name) {
    until(name + " is listed", () -> names().contains(name));
  }

  void awaitText(String selector, String text) {
    until(selector + " says " + text, () -> driver.findElements(by(selector)).stream().anyMatch(element -> element.getText().contains(text)));
  }

  void until(String what, BooleanSupplier condition) {
    until(what, PATIENCE, condition);
  }

  void until(String what, Duration patience, BooleanSupplier condition) {
    WebDriverWait wait = waiting(what);
    wait.withTimeout(patience);
    wait.until(_ -> condition.getAsBoolean());
  }

  void dark(boolean isDark) {
    driver.executeCdpCommand("Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", isDark ? "dark" : "light"))));
  }

  void phone() {
    driver.executeCdpCommand("Emulation.setDeviceMetricsOverride",
        Map.of("width", 360, "height", 740, "deviceScaleFactor", 1, "mobile", true));
  }

  void desktop() {
    driver.executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
  }

  /** @param bytesPerSecond of uploads; negative for no limit */
  void limitUploads(int bytesPerSecond) {
    driver.executeCdpCommand("Network.enable", Map.of());
    driver.executeCdpCommand("Network.emulateNetworkConditions",
        Map.of("offline", false, "latency", 0, "downloadThroughput", -1, "uploadThroughput", bytesPerSecond));
  }

  void forgetCookies() {
    driver.manage().deleteAllCookies();
  }

  void screenshot(String name) throws IOException {
    Files.write(Files.createDirectories(SCREENSHOTS).resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
  }

  /** What the browser has complained of since it was asked last, but for answers that are no success. */
  List<String> complaints() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(LogEntry::getMessage).filter(message -> !message.contains("Failed to load resource") && !message.contains("Canvas2D")).toList();
  }

  ChromeDriver driver() {
    return driver;
  }

  @Override
  public void close() {
    try {
      driver.quit();
    } finally {
      service.stop();
    }
  }
}
